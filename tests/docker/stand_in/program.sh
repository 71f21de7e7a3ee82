#!/bin/sh
# The entry of the image with the programs: where their code is, and the command of a container that has none.
cd /app
[ $# -gt 0 ] || set -- python -m launcher.container
exec "$@"
