"""Opens the desk on a sandbox."""

import sys

from cmsdesk.sandbox.desk.start import main

if __name__ == "__main__":
    sys.exit(main())
