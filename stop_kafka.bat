@echo off
rem Stops Kafka and Kafdrop. The events stay in Docker's volume and are there again after start_kafka.bat.
setlocal EnableExtensions DisableDelayedExpansion
set "code=1"
pushd "%~dp0" || goto :end
for %%v in (ERRORLEVEL PYTHONHOME PYTHONPATH) do set "%%v="
rem Those of another project, whose containers would be meant then.
for %%v in (FILE PROJECT_NAME PROFILES ENV_FILES) do set "COMPOSE_%%v="
if not exist docker-compose.yml echo docker-compose.yml is missing in this folder: did you "Extract all" of the ZIP file?& goto :end
rem Where there is a Python, it runs Docker's commands, and explains their failures: brokers\explain.py.
set "run=call"
for %%p in ("py -3" "python" ".venv\Scripts\python") do call %%~p -c "import sys; sys.exit(sys.version_info < (3, 10))" >nul 2>&1 && set "run=call %%~p -m brokers.explain"
set "code=0"
call docker info >nul 2>&1 || echo Docker is not running, so Kafka is not running either.&& goto :end
%run% docker compose down || set "code=1"&& goto :end
echo Kafka is stopped. The events are kept; to wipe them:  docker compose down -v
:end
popd
rem After a double-click, the window stays until it was read: then cmd's command line has a /c and ends with a blank.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
"%ComSpec%" /d /c exit %code%
