"""Measures how fast the programs are, against others on the same broker and in the same run.

    python run.py bench                     everything, about ten minutes
    python run.py bench click burst         only these subjects
    python run.py bench --quick             tiny sizes: to see that it runs, not how fast

| module      | what it is for                                                                        |
| ----------- | ------------------------------------------------------------------------------------- |
| `harness`   | contenders in turn, again and again; medians, spread, ratios                           |
| `cluster`   | the broker, topics of its own on it, events to read                                   |
| `programs`  | contenders as processes                                                                |
| `on_topic`  | producer.py, consumer.py or the page as they are, on a topic of the bench              |
| `http_load` | clicks on a number of connections                                                      |
| `report`    | the table, the plot, the machine                                                       |
| `subjects/` | what is measured, one file each                                                        |
| `peers/`    | what the programs are measured against, one small program each                         |

The learner's topic `likes` and group `likes-ui` are not touched.
"""
