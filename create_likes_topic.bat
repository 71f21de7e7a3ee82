@echo off
rem Creates the topic `likes` in the container `kafka`: 3 partitions, replication factor 1. Running it twice is fine.
rem Exits with 0, or with 1 after printing what is wrong and what to do.
setlocal
call :main
set "code=%errorlevel%"
rem After a double-click the window waits; start_kafka.bat says how that is known.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
exit /b %code%

:main
rem `call`, because docker may be a batch file (docker.cmd): without it, this one would end there.
where docker >nul 2>&1 || (
  echo Docker is not installed. "python run.py" works without it, and creates the topic, too.
  exit /b 1
)
call docker info >nul 2>&1 || (
  echo Docker is installed, but it is not running.
  echo Open Docker Desktop, wait until it says "Engine running", then run start_kafka.bat.
  exit /b 1
)
rem Another project may have a container that is named kafka, too.
set "log=%TEMP%\create_likes_topic.log"
rem `call` would double a ^ that it sees, so it gets the name of the variable: %%name%%.
set "name=name=^/kafka$"
set "project=label=com.docker.compose.project=hands-on-kafka"
set "named=no"
set "ours=no"
call docker ps --filter "%%name%%" --format "named {{.Names}}" >"%log%" && findstr /c:"named kafka" "%log%" >nul && set "named=yes"
call docker ps --filter "%%name%%" --filter "%project%" --format "named {{.Names}}" >"%log%" && findstr /c:"named kafka" "%log%" >nul && set "ours=yes"
if %named%%ours%==yesno (
  echo The container kafka belongs to another project: nothing was created in it. To free its name and port:
  echo   docker stop kafka
  echo   docker rename kafka kafka-old
  echo   start_kafka.bat
  exit /b 1
)
call docker exec kafka true >nul 2>&1 || (
  echo Kafka is not running. First:  start_kafka.bat
  exit /b 1
)

rem Three partitions, because a partition has one consumer of a group at a time: three consumers need three.
rem One replica, because there is one broker.
set "topics=docker exec kafka kafka-topics.sh --bootstrap-server localhost:9092 --topic likes"
call %topics% --create --if-not-exists --partitions 3 --replication-factor 1 || (
  echo Kafka did not create the topic; the reason is above. If it has just started, try again in ten seconds.
  exit /b 1
)
call %topics% --describe >"%log%" || (
  echo Kafka did not describe the topic; the reason is above.
  exit /b 1
)
type "%log%"
echo.
rem --if-not-exists leaves a topic that is already there as it is, with whatever partitions it has.
rem Partitions are counted from 0, so with three of them there is a 2 and no 3.
set "three=no"
findstr /c:"Partition: 2" "%log%" >nul && set "three=yes"
findstr /c:"Partition: 3" "%log%" >nul && set "three=no"
if %three%==no (
  echo The topic existed already, with another number of partitions than 3. To start over, without its events:
  echo   %topics% --delete
  echo   create_likes_topic.bat
  exit /b 1
)
echo The topic likes is ready: 3 partitions.
echo Next:  start_apps.bat
exit /b 0
