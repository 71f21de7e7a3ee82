"""Lab 18: likes of four minutes, each with the time of its click. Some arrive late.

    python run.py labs/lab_18_event_time/late_likes.py

The next run writes the following four minutes. likes_per_minute.py of lab 13 counts them.
"""

from labs.lab_13_exactly_once.write_likes import LIKES, write


def delay_seconds(number: int) -> int:
    """The delay of the like: two in 60 arrive after likes that were clicked later."""
    if number < 60:
        return 0
    return {3: 5, 45: 80}.get(number % 60, 0)


def main() -> None:
    write(delay_seconds)
    delays = [delay_seconds(number) for number in range(LIKES)]
    print(f"{delays.count(5)} arrive 5 s after they were clicked, {delays.count(80)} arrive 80 s after")


if __name__ == "__main__":
    main()
