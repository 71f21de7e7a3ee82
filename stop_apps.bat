@echo off
rem Ends the five windows of start_apps.bat: Ctrl+C for each program, so that the consumers leave the group, then
rem the windows. Kafka keeps running; stop_kafka.bat stops it.
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
rem With that of another Python, none would start.
set "PYTHONHOME="
set "PYTHONPATH="
rem The same Python as in start_apps.bat, by `call` for the same reason.
if exist .venv\Scripts\python.exe set "PATH=%cd%\.venv\Scripts;%PATH%"
set "python="
for %%p in ("py -3" "python") do call %%~p -c "import psutil" >nul 2>&1 && set "python=%%~p"
if not defined python (
  echo The Python packages are not installed, so start_apps.bat cannot have opened anything.
  exit /b 0
)
call %python% -m launcher.stop_windows || (
  echo The windows could not be ended; the reason is above. Close them by hand.
  exit /b 1
)
exit /b 0
