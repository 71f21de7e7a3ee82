@echo off
rem Opens five windows: producer, three consumers, the page; or those of them that were closed.
rem The work is done by launcher\windows.py; here a Python is found for it.
setlocal EnableExtensions DisableDelayedExpansion
set "code=1"
pushd "%~dp0" || goto :end
for %%v in (ERRORLEVEL PYTHONHOME PYTHONPATH) do set "%%v="
if not exist run.py echo run.py is missing in this folder: did you "Extract all" of the ZIP file?& goto :end
set "python="
for %%p in ("py -3" "python" ".venv\Scripts\python") do call %%~p -c "import sys; sys.exit(sys.version_info < (3, 10))" >nul 2>&1 && set "python=%%~p"
if not defined python (
  echo There is no Python 3.10 or newer; the "python" of a new Windows only opens the Store. Install one from python.org
  echo with the box "Add python.exe to PATH" ticked, or, if you have "py":  py install 3.13   Then start this again.
  goto :end
)
call %python% run.py windows %~d0 && set "code=0"
:end
rem The five windows stand on the drive that pushd gives to a network path: stop_apps.bat gives it back.
if not "%~d0%code%"=="\\0" popd
rem After a double-click, the window stays until it was read: then cmd's command line has a /c and ends with a blank.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
"%ComSpec%" /d /c exit %code%
