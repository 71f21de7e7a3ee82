@echo off
rem Ends the five windows of start_apps.bat: Ctrl+C for each program, so that the consumers leave the group, then
rem the windows. Kafka goes on; stop_kafka.bat stops it.
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
rem The same Python as in start_apps.bat.
if exist .venv\Scripts\python.exe set "PATH=%cd%\.venv\Scripts;%PATH%"
set "python="
for %%p in ("py -3" "python") do %%~p -c "" >nul 2>&1 && set "python=%%~p"
if not defined python (
  echo Python is not installed, so there is nothing to end.
  exit /b 0
)
%python% stop_apps.py && exit /b 0
echo Not all windows could be ended; the reason is above. Close them by hand.
exit /b 1
