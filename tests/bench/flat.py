"""All chapters of a cut as one script: the floor under a run. ``python -m tests.bench.flat CUT FOLDER``.

One process, one import of everything, the study loaded once; every figure and table is written and every value formatted as
a notebook would show it. Nothing is isolated, rendered or recorded.
"""

import ast
import os
import sys
from pathlib import Path


def main(cut: Path, folder: Path) -> None:
    """Run the code cells of every chapter in their order."""
    os.environ |= {"MPLBACKEND": "agg", "ESLD_RUN": str(folder)}
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    from IPython.core.interactiveshell import InteractiveShell

    from esld.data.cutfile import CutFile, read_cut
    from esld.data.study import Study, load_study
    from esld.pipeline.chapters import read_chapters, waves
    from esld.pipeline.sections import fitted
    from esld.report import chapter as chapters
    from esld.report.run_folder import prepare_run_folder
    from esld.report.summary import since

    studies: dict[str, Study] = {}

    def once(cut: CutFile) -> Study:
        if cut.id not in studies:
            studies[cut.id] = load_study(cut)
        return studies[cut.id]

    chapters.stored_study = since.stored_study = once
    file = read_cut(cut)
    prepare_run_folder(folder, file)
    show = InteractiveShell.instance().display_formatter.format
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    fit = [fitted(chapter, once(file)) for chapter in read_chapters(file)]
    for wave in waves(fit, lambda chapter: chapter.slug):
        for chapter in wave:
            names: dict[str, object] = {"__name__": "__main__"}
            for cell in (cell for cell in chapter.notebook.cells if cell.cell_type == "code"):
                tree = ast.parse(cell.source)
                last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
                exec(compile(tree, chapter.slug, "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    names |= {"cut": file.id, **file.cut.parameters.get(chapter.slug, {})}
                if last is not None:
                    value = eval(compile(ast.Expression(last.value), chapter.slug, "eval"), names)
                    if value is not None:
                        show(value)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
