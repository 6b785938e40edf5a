"""From a data cut to a published report: parameters, run, render, verify, publish."""
