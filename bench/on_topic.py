"""Runs one of the project's programs as it is, on a topic of the bench instead of `likes`.

python -m bench.on_topic producer TOPIC           with one more route: POST /noop
python -m bench.on_topic consumer TOPIC
python -m bench.on_topic page TOPIC PORT
"""

import importlib
import sys
import time


def with_noop_route(create_app):
    """The same app with `POST /noop`: it builds and answers what `POST /like` does, and does nothing else."""

    def create_app_with_noop_route(*arguments):
        app = create_app(*arguments)

        @app.post("/noop")
        def noop():
            now = time.time()
            clicked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
            event = {"order": 1, "clicked_at": clicked_at, "ts_ms": int(now * 1000)}
            return {**event, "partition": 0, "offset": 0}, 201

        return app

    return create_app_with_noop_route


def main(program: str, topic: str, *arguments: str) -> None:
    if program == "page":
        import settings

        settings.TOPIC = topic  # before the page is imported
        from streamlit.web import cli

        sys.argv = ["streamlit", "run", "producer_ui.py", "--server.headless", "true", "--server.port", *arguments]
        cli.main()
        return
    module = importlib.import_module(program)
    module.TOPIC = topic
    if program == "producer":
        module.create_app = with_noop_route(module.create_app)
    module.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
