@echo off
rem Stops Kafka and Kafdrop. The events stay in Docker's volume and are there again after start_kafka.bat.
setlocal
pushd "%~dp0" || goto :no_folder
call :main
set "code=%errorlevel%"
popd
:end
rem After a double-click the window waits; start_kafka.bat says how that is known.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
exit /b %code%

:no_folder
echo The folder of %~nx0 cannot be reached:  "%~dp0"
echo Copy the project to this computer, such as to C:\hands-on-kafka, and start it from there.
set "code=1"
goto :end

:main
rem `call`, because docker may be a batch file (docker.cmd): without it, this one would end there.
if not exist docker-compose.yml (
  echo docker-compose.yml is not in the folder of stop_kafka.bat: start it in the folder of the project.
  exit /b 1
)
where docker >nul 2>&1 || (
  echo Docker is not installed, so there is nothing to stop.
  exit /b 0
)
rem Those of another project, whose containers would be meant then.
for %%v in (FILE PROJECT_NAME PROFILES ENV_FILES) do set "COMPOSE_%%v="
rem Compose takes a value as it is: without the quotes and the blank that `set KAFKA_IMAGE="..." && ...` leaves.
if defined KAFKA_IMAGE set "KAFKA_IMAGE=%KAFKA_IMAGE:"=%"
if defined KAFKA_IMAGE set "KAFKA_IMAGE=%KAFKA_IMAGE: =%"
if defined KAFDROP_PORT set "KAFDROP_PORT=%KAFDROP_PORT:"=%"
if defined KAFDROP_PORT set "KAFDROP_PORT=%KAFDROP_PORT: =%"
call docker info >nul 2>&1 || (
  echo Docker is not running, so Kafka is not running either.
  exit /b 0
)
call docker compose down || (
  echo Docker could not stop Kafka; the reason is above.
  exit /b 1
)
echo.
echo Kafka is stopped. The events are kept; start_kafka.bat brings them back.
echo To wipe them:  docker compose down -v
exit /b 0
