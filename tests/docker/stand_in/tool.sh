#!/bin/bash
# One of Kafka's command-line tools.
exec java ${KAFKA_HEAP_OPTS:--Xmx256m} -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp '/opt/bitnami/kafka/libs/*' CLASS "$@"
