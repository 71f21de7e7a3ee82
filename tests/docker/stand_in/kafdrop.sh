#!/bin/bash
# Not Kafdrop: once the first of its brokers is there, a page on its port that says so.
set -eu
trap exit TERM # the first process of a container ends at no signal that it does not handle

IFS=:, read -r host port _ <<<"$KAFKA_BROKERCONNECT"
until (: <"/dev/tcp/$host/$port") 2>/dev/null; do sleep 0.5; done

mkdir -p /tmp/www
echo "This stands in for Kafdrop and shows nothing." >/tmp/www/index.html
httpd -f -p 9000 -h /tmp/www &
wait
