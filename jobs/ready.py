"""`python -m winnow.ready`: fetch what Spark needs beside Python, and say what is there."""

import platform
import sys

from winnow.errors import CommandError
from winnow.jars import delta_jars
from winnow.java import find_java


def main() -> int:
    """Print one line: what is ready, or what is missing and how to provide it."""
    try:
        java, jars = find_java(), delta_jars()
    except CommandError as error:
        print(f"winnow: {error}", file=sys.stderr)
        return error.exit_code
    print(f"ready: Python {platform.python_version()}, Java in {java}, Delta in {jars[0].parent}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
