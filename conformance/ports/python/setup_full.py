"""Sets full_shim.py up: a virtual environment of this folder's own, and spec/proto compiled into generated/."""

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[2] / "spec" / "proto"
PYTHON = HERE / ".venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main() -> None:
    if not PYTHON.exists():
        venv.create(HERE / ".venv", with_pip=True)
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", HERE / "requirements.txt"], check=True)
    (HERE / "generated").mkdir(exist_ok=True)
    protoc = [PYTHON, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={HERE / 'generated'}"]
    subprocess.run([*protoc, *sorted(file.name for file in PROTO.glob("*.proto"))], check=True)


if __name__ == "__main__":
    main()
