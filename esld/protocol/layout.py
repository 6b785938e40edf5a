"""How a protocol file is laid out: what fits on a line stands on one, and each key begins a line of its own."""

from typing import Any

import yaml

WIDE = 110  # characters of a line


class _Dumper(yaml.SafeDumper):
    """What fits on a line stands on one, but not the whole."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        short = all(isinstance(item, str | int) and len(str(item)) < 20 for item in sequence)
        return super().represent_sequence(tag, sequence, short or len(str(sequence)) < WIDE)

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        return super().represent_mapping(tag, mapping, len(str(mapping)) < WIDE)


class _Whole(dict[str, Any]):
    """What is never written on one line."""


_Dumper.add_representer(
    _Whole,
    lambda dumper, whole: yaml.SafeDumper.represent_mapping(dumper, "tag:yaml.org,2002:map", whole, False),
)


def laid_out(key: str, value: Any) -> str:
    """A key with what it holds, as it stands in a file."""
    style: Any = {"Dumper": _Dumper, "sort_keys": False, "allow_unicode": True, "width": WIDE}
    text: str = yaml.dump(_Whole({key: value}), **style)
    return text
