@echo off
rem Stops Kafka and Kafdrop. The events stay in Docker's volume and are there again after start_kafka.bat.
setlocal
pushd "%~dp0"
call :main
set "code=%errorlevel%"
popd
rem After a double-click the window waits; start_kafka.bat says how that is known.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " pause
exit /b %code%

:main
rem `call`, because docker may be a batch file (docker.cmd): without it, this one would end there.
where docker >nul 2>&1 || (
  echo Docker is not installed, so there is nothing to stop.
  exit /b 0
)
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
