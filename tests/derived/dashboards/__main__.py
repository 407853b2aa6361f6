"""Writes deploy/grafana/dashboards."""

from tests.derived.dashboards.files import FOLDER, PAGES, written

FOLDER.mkdir(parents=True, exist_ok=True)
for name in PAGES:
    (FOLDER / name).write_text(written(name))
