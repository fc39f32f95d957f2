"""The report as one self-contained HTML page."""

from suasion.measurement.report import Report


def page(report: Report) -> str:
    """Write the page."""
    return f"<!doctype html><title>{report.campaign}</title>"
