#!/bin/sh
# The entry of the image with the programs: what the Dockerfile sets, and its command where the container has none.
export IN_CONTAINER=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
export PYTHONHOME=/python PYTHONPATH=/python/site-packages LD_LIBRARY_PATH=/python/libraries HOME=/tmp
cd /app
[ $# -gt 0 ] || set -- python -m launcher.container
exec "$@"
