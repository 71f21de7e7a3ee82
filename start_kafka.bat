@echo off
rem Starts Kafka in Docker, waits until it is ready, and starts Kafdrop. From any folder, or by double-click.
rem Exits with 0, or with 1 after printing what is wrong and what to do.
setlocal
rem pushd, not cd: it can also go to a folder in the network, such as \\wsl$\... or \\server\...
pushd "%~dp0" || goto :no_folder
call :main
set "code=%errorlevel%"
popd
:end
rem Only after a double-click does cmd's own command line have a /c and end with a blank and a quote.
rem Then the window would close before anyone has read it.
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
  echo docker-compose.yml is not in the folder of start_kafka.bat.
  echo If you opened a ZIP file, choose "Extract all" first and start it from there.
  exit /b 1
)
where docker >nul 2>&1 || (
  echo Docker is not installed.
  echo Install Docker Desktop, start it, then run start_kafka.bat again.
  echo Or without Docker:  python run.py
  exit /b 1
)
rem Those of another project, whose containers would be meant then.
for %%v in (FILE PROJECT_NAME PROFILES ENV_FILES) do set "COMPOSE_%%v="
rem Compose takes a value as it is: without the quotes and the blank that `set KAFKA_IMAGE="..." && ...` leaves.
if defined KAFKA_IMAGE set "KAFKA_IMAGE=%KAFKA_IMAGE:"=%"
if defined KAFKA_IMAGE set "KAFKA_IMAGE=%KAFKA_IMAGE: =%"
if defined KAFDROP_PORT set "KAFDROP_PORT=%KAFDROP_PORT:"=%"
if defined KAFDROP_PORT set "KAFDROP_PORT=%KAFDROP_PORT: =%"
call docker info >nul 2>&1 || (
  echo Docker is installed, but it is not running.
  echo Open Docker Desktop, wait until it says "Engine running", then run start_kafka.bat again.
  exit /b 1
)
call docker compose version >nul 2>&1 || (
  echo This Docker is too old: it does not know "docker compose". Update Docker Desktop.
  exit /b 1
)

set "log=%TEMP%\start_kafka.log"
rem The engine is asked what it runs, because the words about a wrong image change from version to version.
call docker info --format "{{.OSType}}" >"%log%" 2>nul
findstr /i /c:"windows" "%log%" >nul && goto :windows_containers
echo Starting Kafka. The first time Docker downloads it: a few minutes.
call docker compose up -d --wait kafka && goto :ready

rem Docker has printed its reason on the screen. Once more into a file, to find the reason here.
call docker compose up -d --wait kafka >"%log%" 2>&1 && goto :ready
echo.
findstr /i /c:"forbidden by its access permissions" "%log%" >nul && (
  echo Windows has reserved port 9092 for itself; no program that you could end uses it. The reserved ones:
  echo   netsh interface ipv4 show excludedportrange protocol=tcp
  echo Windows chooses them anew in a terminal that was opened as administrator:
  echo   net stop winnat
  echo   net start winnat
  echo Then run start_kafka.bat again.
  exit /b 1
)
findstr /i /c:"no space left on device" "%log%" >nul && (
  echo The disk is full: that of the computer, or the one that Docker Desktop has in its settings, Resources. Make room:
  echo   docker image prune
  echo Then run start_kafka.bat again.
  exit /b 1
)
findstr /i /c:"already allocated" /c:"Ports are not available" /c:"address already in use" "%log%" >nul && (
  echo Another program uses port 9092. Which one:  netstat -ano ^| findstr ":9092"
  echo The last number is its process. If it is python run.py: type quit there. Then run start_kafka.bat again.
  exit /b 1
)
findstr /i /c:"is already in use by container" "%log%" >nul && (
  echo Another project has a container of that name. Rename it, then run start_kafka.bat again:
  echo   docker stop kafka
  echo   docker rename kafka kafka-old
  exit /b 1
)
findstr /i /c:"windows/amd64" "%log%" >nul && goto :windows_containers
findstr /i /c:"unhealthy" /c:"exited" "%log%" >nul && (
  call docker compose logs --tail 20 kafka
  echo.
  echo A container started but does not answer; above are its last lines. Try once more:
  echo   stop_kafka.bat
  echo   start_kafka.bat
  echo If that does not help, "docker compose down -v" wipes the stored events, which another version may have written.
  exit /b 1
)
findstr /i /c:"pull" /c:"manifest" /c:"denied" /c:"no such host" /c:"resolve" /c:"timeout" "%log%" >nul && (
  echo Docker could not download an image. Check the network, then run start_kafka.bat again.
  echo To use the Kafka image of another registry:  set KAFKA_IMAGE=registry/name:3.7
  echo Or without Docker:  python run.py
  exit /b 1
)
echo Docker could not start Kafka; the reason is above. More:  docker compose ps -a
exit /b 1

:windows_containers
echo Docker is set to Windows containers, and Kafka needs Linux ones. Right-click Docker's whale next to the clock,
echo choose "Switch to Linux containers", then run start_kafka.bat again.
exit /b 1

:ready
echo.
echo Kafka is ready:  localhost:9092
echo.
call :kafdrop
echo.
echo Next:  create_likes_topic.bat
exit /b 0

rem Kafdrop is a page that looks into Kafka. Nothing here needs it, so it is not waited for, and it can be missing.
:kafdrop
set "page_port=9000"
if defined KAFDROP_PORT set "page_port=%KAFDROP_PORT%"
echo Starting Kafdrop, a page that looks into Kafka.
call docker compose up -d --no-deps kafdrop && goto :kafdrop_starts
call docker compose up -d --no-deps kafdrop >"%log%" 2>&1 && goto :kafdrop_starts
echo.
echo Kafdrop was not started; the reason is above. Everything else works without it.
findstr /i /c:"forbidden by its" /c:"already allocated" /c:"Ports are not" /c:"address already in use" "%log%" >nul && (
  echo Port %page_port% is taken. To have Kafdrop on another one, in a terminal of cmd:
  echo   set KAFDROP_PORT=19000
  echo   start_kafka.bat
)
findstr /i /c:"is already in use by container" "%log%" >nul && (
  echo Another project has a container of that name. To have Kafdrop, rename it, then run start_kafka.bat again:
  echo   docker stop kafdrop
  echo   docker rename kafdrop kafdrop-old
)
exit /b 0

:kafdrop_starts
echo Kafdrop is ready in about half a minute:  http://localhost:%page_port%
exit /b 0
