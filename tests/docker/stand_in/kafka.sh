#!/bin/bash
# What the entry scripts of Bitnami's image do with the settings of the compose files: KAFKA_CFG_X_Y becomes x.y.
set -eu

properties=/opt/bitnami/kafka/config/server.properties
echo "log.dirs=/bitnami/kafka/data" >"$properties"
for variable in "${!KAFKA_CFG_@}"; do
  name=${variable#KAFKA_CFG_}
  name=${name,,}
  echo "${name//_/.}=${!variable}" >>"$properties"
done

kafka-storage.sh format --ignore-formatted --cluster-id "$KAFKA_KRAFT_CLUSTER_ID" --config "$properties"
exec kafka-server-start.sh "$properties"
