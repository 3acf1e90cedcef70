import sys

from surehop.lab.demo.command import main

sys.exit(main())
