"""Where things are in the tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
EXPERIMENTS = ROOT / "experiments"
MEASURED = ROOT / "docs" / "measured"
TABLES = ROOT / "docs" / "tables"
