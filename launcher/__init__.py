"""What `python run.py` does.

| module         | what it is for                                                               |
| -------------- | ---------------------------------------------------------------------------- |
| `cli`          | the commands of `run.py`                                                     |
| `setup`        | `.venv` with the packages of `requirements.txt`; standard library only       |
| `uv`, `pip`    | what installs the packages: uv where it can be had; standard library only    |
| `terminal`     | one terminal for everything: names, colours, progress; standard library only |
| `programs`     | the five programs as processes: start, stop, kill, their lines               |
| `control`      | the endpoint through which the page types commands and runs programs of labs |
| `lab_programs` | what it runs: the blocks of a lab's page that are for a shell                |
| `transcript`   | lines by number, for those that ask what is new                              |
| `start`        | `python run.py` itself: broker, topic, session, the end                      |
| `session`      | the five programs and the commands that are typed                            |
| `typed`        | what is typed into the terminal of a session, or into a shell by mistake     |
| `leftovers`    | what a run.py that was killed has left running                               |
| `doctor`       | `python run.py doctor`                                                       |
| `check`        | `python run.py check`: what is reached in the labs                           |
| `reset`        | `python run.py labs reset`: deletes what the programs of a lab have left     |
| `open_once`    | whether start_apps.bat may open its windows                                  |
| `stop_windows` | what stop_apps.bat runs                                                      |
"""
