"""Start Fitting Studio from a source checkout: `python main.py`."""

import multiprocessing

from studio.app import main

if __name__ == "__main__":
    multiprocessing.freeze_support()  # a frozen program starts its worker process through this very file
    raise SystemExit(main())
