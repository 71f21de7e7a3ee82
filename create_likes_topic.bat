@echo off
rem Creates the topic `likes` in the container `kafka`. Running it twice is fine.
setlocal EnableExtensions DisableDelayedExpansion
set "code=1"
pushd "%~dp0" || goto :end
for %%v in (ERRORLEVEL PYTHONHOME PYTHONPATH) do set "%%v="
if not exist docker-compose.yml echo docker-compose.yml is missing in this folder: did you "Extract all" of the ZIP file?& goto :end
rem Where there is a Python, it runs Docker's commands, and explains their failures: brokers\explain.py.
set "run=call"
for %%p in ("py -3" "python" ".venv\Scripts\python") do call %%~p -c "import sys; sys.exit(sys.version_info < (3, 10))" >nul 2>&1 && set "run=call %%~p -m brokers.explain"
rem Another project may have a container that is named kafka, too. The image of Kafka 4 has its scripts elsewhere.
set "tool="
for /f %%c in ('docker ps -q --filter "name=kafka" --filter "label=com.docker.compose.project=hands-on-kafka" 2^>nul') do set "tool=kafka-topics.sh"
for /f %%c in ('docker ps -q --filter "name=kafka" --filter "label=com.docker.compose.project=hands-on-kafka-4" 2^>nul') do set "tool=/opt/kafka/bin/kafka-topics.sh"
if not defined tool echo Kafka is not running here, or it is another project's. First:  start_kafka.bat& goto :end
rem Three partitions, one for each of the three consumers; one replica, because there is one broker.
set "topics=docker exec kafka %tool% --bootstrap-server localhost:9092 --topic likes"
%run% %topics% --create --if-not-exists --partitions 3 --replication-factor 1 || goto :end
set "partitions=0"
for /f "delims=" %%l in ('%topics% --describe 2^>^&1') do (
  echo %%l
  for /f "tokens=3" %%w in ("%%l") do if "%%w"=="Partition:" set /a partitions+=1 >nul
)
if not %partitions%==3 (
  echo The topic existed already, with another number of partitions than 3. To delete it with its events, then start over:
  echo   %topics% --delete
  goto :end
)
set "code=0"
echo The topic likes is ready: 3 partitions. Next:  start_apps.bat
:end
popd
rem After a double-click, the window stays until it was read: then cmd's command line has a /c and ends with a blank.
setlocal EnableDelayedExpansion
set "how=!cmdcmdline:"=!"
if "!how:~-1!"==" " if not "!how:/c=!"=="!how!" pause
"%ComSpec%" /d /c exit %code%
