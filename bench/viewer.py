"""A visitor of the page without a browser: it sends over the WebSocket what Streamlit's JavaScript would send."""

import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect

from bench.harness import NotMeasured

PATIENCE_SECONDS = 60.0
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class Viewer:
    """Opens the page, and then asks for its board as `run_every` makes a browser do."""

    def __init__(self, port: int):
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self.socket = connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE_SECONDS)
        self.board = ""  # Streamlit's id of the fragment

    def open(self) -> None:
        """Load the page once, and learn which fragment refreshes itself."""
        message = BackMsg()
        message.rerun_script.query_string = ""
        self._run(message)
        if not self.board:
            raise NotMeasured("no part of the page refreshes itself")

    def refresh(self) -> float:
        """Milliseconds of one refresh of the board."""
        message = BackMsg()
        message.rerun_script.fragment_id = self.board
        message.rerun_script.is_auto_rerun = True
        started = time.perf_counter()
        self._run(message)
        return (time.perf_counter() - started) * 1000

    def _run(self, wanted: BackMsg) -> None:
        """Send it, and read what the page then sends, to its end."""
        self.socket.send(wanted.SerializeToString())
        elements = 0
        while True:
            received = ForwardMsg()
            received.ParseFromString(self.socket.recv(PATIENCE_SECONDS))
            if received.WhichOneof("type") == "auto_rerun":
                self.board = received.auto_rerun.fragment_id
            elements += received.WhichOneof("type") in ("delta", "ref_hash")
            if received.WhichOneof("type") == "script_finished":
                if received.script_finished not in FINISHED or not elements:
                    raise NotMeasured("the page showed nothing")
                return

    def __enter__(self) -> "Viewer":
        return self

    def __exit__(self, *_exception) -> None:
        self.socket.close()
