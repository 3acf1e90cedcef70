import sys

from surehop.lab.tap.command import main

sys.exit(main())
