@echo off
rem Ends the windows of start_apps.bat: Ctrl+C for each program, so that the consumers leave the group, then the window.
setlocal EnableExtensions DisableDelayedExpansion
set "code=1"
pushd "%~dp0" || goto :end
for %%v in (ERRORLEVEL PYTHONHOME PYTHONPATH) do set "%%v="
rem Without all packages, start_apps.bat has opened nothing.
if exist .venv\installed-requirements.txt (.venv\Scripts\python.exe -m launcher.windows || goto :end)
set "code=0"
:end
popd
rem After a double-click, the window stays until it was read: then cmd's command line has a /c and ends with a blank.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
"%ComSpec%" /d /c exit %code%
