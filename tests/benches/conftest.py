"""Let tests import the benches, which are part of the repository and not of the package."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))
