import sys

from surehop.lab.origins.command import main

sys.exit(main())
