@echo off
rem Starts Kafka in Docker, waits until it is ready, and starts Kafdrop, a page that looks into Kafka.
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
echo Starting Kafka. The first time Docker downloads it: a few minutes.
%run% docker compose up -d --wait kafka || goto :end
echo Kafka is ready:  localhost:9092
set "code=0"
rem Nothing needs Kafdrop, so it is not waited for, and can be missing.
if not defined KAFDROP_PORT set "KAFDROP_PORT=9000"
%run% docker compose up -d --no-deps kafdrop && (
  echo Kafdrop is ready in half a minute:  http://localhost:%KAFDROP_PORT%
) || (
  echo Kafdrop was not started; everything else works without it. To try another port:  set KAFDROP_PORT=19000
)
echo Next:  create_likes_topic.bat
:end
popd
rem After a double-click, the window stays until it was read: then cmd's command line has a /c and ends with a blank.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
"%ComSpec%" /d /c exit %code%
