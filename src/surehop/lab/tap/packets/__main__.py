import sys

from surehop.lab.tap.packets.capture import main

sys.exit(main(sys.argv[1:]))
