#!/bin/sh
# Install the service into an environment of its own: production's dependencies by their hashes, then our two packages.
set -eu
target=$1
here=$(dirname "$0")
python -m venv "$target"
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --require-hashes \
    --only-binary :all: -r "$here/requirements.lock"
site=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -R functions shared cli.py local_server.py "$site/"
"$target/bin/python" - "$site" <<'PYTHON'
import pathlib
import sys
import tomllib

project = tomllib.loads(pathlib.Path("pyproject.toml").read_text())["project"]
information = pathlib.Path(sys.argv[1]) / f"imbi_assistant-{project['version']}.dist-info"
information.mkdir()
metadata = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
(information / "METADATA").write_text(metadata)
PYTHON
printf '#!%s/bin/python\nimport sys\n\nfrom cli import main\n\nsys.exit(main())\n' "$target" \
    > "$target/bin/imbi-assistant"
chmod 755 "$target/bin/imbi-assistant"
# The final image installs nothing.
"$target/bin/python" -m pip uninstall --quiet --yes pip
"$target/bin/python" -m compileall -q "$site" || true
