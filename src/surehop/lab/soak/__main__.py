import sys

from surehop.lab.soak.command import main

sys.exit(main())
