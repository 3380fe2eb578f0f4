"""`python -m bidviz_dashboard`."""

import sys

from bidviz_dashboard.main import main

sys.exit(main())
