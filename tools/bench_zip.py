"""Prints the size of each function's deployable zip in bytes, made as `make package` makes it.

bench_zip.py FUNCTION...
"""

import sys
import tempfile
from pathlib import Path

import package


def main():
    with tempfile.TemporaryDirectory() as folder:
        for function in sys.argv[1:]:
            print(function, package.zipped(function, Path(folder)).stat().st_size)


if __name__ == "__main__":
    main()
