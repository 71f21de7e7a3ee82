@echo off
rem Opens five windows: producer, three consumers, the page. From any folder, or by double-click.
rem The first time it creates .venv, a folder with a Python of its own, and installs requirements\lock.txt into it.
rem Exits with 0, or with 1 after printing what is wrong and what to do.
setlocal
rem pushd, not cd: it can also go to a folder in the network, such as \\wsl$\... or \\server\...
pushd "%~dp0" || goto :no_folder
call :main
set "code=%errorlevel%"
rem popd would take away the drive that pushd has given to a network path: the five windows stand on it.
set "here=%~dp0"
if not "%here:~0,2%%code%"=="\\0" popd
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
rem `call`, because python may be a batch file (pyenv has python.bat): without it, this one would end there.
if not exist producer.py (
  echo producer.py is not in the folder of start_apps.bat.
  echo If you opened a ZIP file, choose "Extract all" first and start it from there.
  exit /b 1
)

rem 1. A Python that works. With .venv first on the PATH, `python` means the one in .venv, here and in the five
rem    windows, so that the command of a lesson (python consumer.py) can be typed there after Ctrl+C.
if exist .venv\Scripts\python.exe set "PATH=%cd%\.venv\Scripts;%PATH%"
set "python="
set "is_new=import sys; sys.exit(sys.version_info < (3, 10))"
rem The last one that works wins: python, else py -3, which Windows has even when python is not on the PATH.
for %%p in ("py -3" "python") do call %%~p -c "%is_new%" >nul 2>&1 && set "python=%%~p"
if exist .venv\Scripts\python.exe if not "%python%"=="python" (
  echo The Python in the folder .venv no longer works, or it is older than 3.10.
  goto :remove_venv
)
rem The same test as in launcher\setup.py: a venv gets its pip last.
if exist .venv\Scripts\python.exe call python -c "import pip" >nul 2>&1 || (
  echo The folder .venv is only half made: it has no pip.
  goto :remove_venv
)
if not defined python goto :no_python

rem 2. The packages. pip without an index installs nothing; it only checks whether all of them are there.
call %python% -m pip install --quiet --no-index -r requirements.txt >nul 2>&1 && goto :ports
echo Installing the Python packages into the folder .venv, once: this takes a few minutes.
if not exist .venv\Scripts\python.exe call %python% -m venv .venv || (
  echo Python could not create the folder .venv; the reason is above.
  exit /b 1
)
set "PATH=%cd%\.venv\Scripts;%PATH%"
set "python=python"
set "log=%TEMP%\start_apps.log"
del "%log%" 2>nul
set "install=install --disable-pip-version-check --require-hashes -r requirements\lock.txt"
call python -m pip --log "%log%" %install% || goto :no_packages

:ports
rem 3. The ports, from Windows' own list: to connect to each would take 2 s where nobody listens.
set "ask=import psutil, sys"
set "ask=%ask%; listening = {c.laddr.port for c in psutil.net_connections('tcp') if c.status == 'LISTEN'}"
set "ask=%ask%; taken = [port for port in sys.argv[1:] if int(port) in listening]"
set "ask=%ask%; sys.exit('Already in use: port ' + ', '.join(taken) if taken else 0)"
call %python% -c "%ask%" 5001 5002 5003 5004 8501 || (
  echo If the five programs are still running, end them first:  stop_apps.bat
  exit /b 1
)
if not defined KAFKA_BOOTSTRAP_SERVERS call %python% -c "%ask%" 9092 >nul 2>&1 && (
  echo Nothing answers on localhost:9092 yet. The programs wait for it:  start_kafka.bat, create_likes_topic.bat
)

set "mark=%TEMP%\hands-on-kafka.opening"
call %python% -m launcher.open_once "%mark%" || (
  echo To start all of them again:  stop_apps.bat, then start_apps.bat
  exit /b 1
)

rem What `set CONSUMER_PORT=5003 && ...` has left in this window is not for the page, nor for the producer's port.
set "CONSUMER_PORT="
set "PRODUCER_PORT="

rem 4. The windows. /k keeps each one open when its program ends, so that the last lines can be read.
start "Producer" cmd /k %python% producer.py
start "Consumer 1" cmd /k "set CONSUMER_PORT=5002 && %python% consumer.py"
start "Consumer 2" cmd /k "set CONSUMER_PORT=5003 && %python% consumer.py"
start "Consumer 3" cmd /k "set CONSUMER_PORT=5004 && %python% consumer.py"
rem Streamlit colours its greeting with codes that the console of Windows 10 would show as they are.
start "Streamlit" cmd /k "echo The page: http://localhost:8501 && %python% -m streamlit run producer_ui.py --logger.hideWelcomeMessage true"
del "%mark%"
echo Five windows are open: Producer, Consumer 1, Consumer 2, Consumer 3, Streamlit.
echo   the page   http://localhost:8501
echo To end one: Ctrl+C in its window. To end all:  stop_apps.bat
exit /b 0

:remove_venv
echo End what uses it (stop_apps.bat, or quit in run.py), remove it and start again:
echo   cmd /c rmdir /s /q .venv
echo   .\start_apps.bat
exit /b 1

:no_packages
echo.
findstr /l /c:"WinError 32]" /c:"WinError 5]" "%log%" >nul 2>&1 && (
  echo A program that runs has locked a file in the folder .venv.
  goto :remove_venv
)
findstr /l /c:"No space left on device" /c:"WinError 112]" "%log%" >nul 2>&1 && (
  echo The disk is full. Make room, 1 GB is enough, then run start_apps.bat again.
  exit /b 1
)
findstr /l /c:"Long Path support" /c:"WinError 206]" "%log%" >nul 2>&1 && (
  echo The path of this folder is too long for Windows. Move it to C:\hands-on-kafka, then run start_apps.bat there.
  exit /b 1
)
findstr /l /c:"connection broken by" /c:"Max retries" /c:"timed out" "%log%" >nul 2>&1 && (
  echo There is no network, or a proxy is needed:  set HTTPS_PROXY=http://its-name:port
  echo After that, run start_apps.bat again.
  exit /b 1
)
findstr /l /c:"from versions:" /c:"Failed building wheel" /c:"Failed to build" "%log%" >nul 2>&1 && (
  echo A package does not exist for this Python, whose version and system are
  call python -c "import platform, sysconfig; print(' ', platform.python_version(), sysconfig.get_platform())"
  echo Some have nothing for 32 bit, for ARM64 or for a Python that has just come out. Install Python 3.12 for 64 bit
  echo from python.org, the one for x64 also on Windows for ARM, and let it be the only one on the PATH.
  goto :remove_venv
)
echo pip could not install the packages; the reason is above. Most often there is no network, or the path of this
echo folder is too long for Windows: then move it to C:\hands-on-kafka. After that, run start_apps.bat again.
exit /b 1

:no_python
set "found="
for %%p in ("py -3" "python") do call %%~p -c "" >nul 2>&1 && set "found=%%~p"
if defined found (
  echo This Python is older than 3.10:
  call %found% --version
) else (
  where python 2>nul | findstr /i WindowsApps >nul && (
    echo Python is not installed. The command "python" only opens the Microsoft Store.
  ) || (
    echo Python is not installed.
  )
)
echo Install Python 3.10 or newer from python.org, with the box "Add python.exe to PATH" ticked.
echo Then run start_apps.bat again.
exit /b 1
