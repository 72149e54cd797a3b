"""``RunDetails``: a run, live, in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from milepost.widgets.surroundings import executed_cell, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from milepost.sdk.runs.run import Run
    from milepost.widgets.feed import Feed
    from milepost.widgets.reading import Reading
    from milepost.widgets.view import RunView

_FIRST_S: Final = 1.0
"""So long is waited, at most, for a picture that is all there will be."""
_INSTALL: Final = "For the live widget with charts, logs and child runs: pip install 'milepost[notebook]'"


class RunDetails:
    """A run, live: status, charts, images, logs, child runs.

    In a notebook ``RunDetails(run).show()`` displays it and comes back at once; it is up to date until the run has
    ended.  Elsewhere the run is printed, with the address of its page.  Raises UserErrorException for what is no run.
    """

    def __init__(self, run_instance: Run) -> None:
        from milepost.sdk.exceptions import UserErrorException
        from milepost.sdk.runs.run import Run

        if not isinstance(run_instance, Run):
            raise UserErrorException(
                f"RunDetails shows a run, not {type(run_instance).__name__}: give it what Experiment.submit(), "
                "start_logging() or Run.get() gave."
            )
        self._run = run_instance
        self._view: Any = None

    def show(self, render_lib: Callable[[str], object] | None = None, widget_settings: Any = None) -> None:
        """Display the run.

        ``render_lib``: a function that displays HTML, such as Databricks' ``displayHTML``; it is given the run as it is
        now.  ``widget_settings`` is taken for the SDK's sake and changes nothing.
        """
        if callable(render_lib):
            self._render(render_lib)
            return
        where = surroundings()
        if where == "kernel":
            self._show_in_kernel()
        elif where == "marimo":
            self._show_in_marimo()
        else:
            self._print()

    def get_widget_data(self, widget_settings: Any = None) -> dict[str, Any]:
        """What the widget shows, as a dict with the keys of the SDK's own; see ``widget_data``."""
        from milepost.sdk.recording.recorder import translated
        from milepost.widgets.widget_data import widget_data

        self._run.get_status()  # what this process has said is stored then
        with translated():
            return widget_data(self._reading(), self._run.id, self._run.get_portal_url(), dict(widget_settings or {}))

    def _ipython_display_(self) -> None:
        """As the last value of a cell."""
        self.show()

    def _display_(self) -> Any:
        """As the last value of a cell of marimo."""
        return self._marimo_view()

    # -- in a notebook's kernel --------------------------------------------------------------------------------

    def _show_in_kernel(self) -> None:
        from milepost.widgets import displaying
        from milepost.widgets.outputs import ALONE_S, BESIDE_S, PictureOutput

        feed = self._feed()
        view_class, missing = _view_class()
        if view_class is None:
            self._begin(feed, PictureOutput(feed, ALONE_S, self._has_ended, message=missing, live=True))
            return
        beside = PictureOutput(feed, BESIDE_S, self._has_ended)
        view = view_class(run_id=self._run.id, picture=f"milepost-picture-{beside.token}")
        view.follow(feed)
        self._view = view
        # Where no state of widgets is kept, the empty HTML is taken in the view's place.
        displaying.show(
            {
                "application/vnd.jupyter.widget-view+json": {
                    "version_major": 2,
                    "version_minor": 0,
                    "model_id": view.model_id,
                },
                "text/plain": f"RunDetails({self._run.id})",
                "text/html": "",
            }
        )
        self._begin(feed, beside)

    def _has_ended(self) -> bool:
        return self._run._ended is not None

    def _begin(self, feed: Feed, picture: Any) -> None:
        from milepost.widgets.feed import running

        # What the cell showed when it was executed before is gone from the page.
        feed.shown_by = executed = executed_cell()
        for other in running():
            before = other.shown_by
            if executed and before and before[0] == executed[0] and before != executed:
                other.close()
        feed.sinks.append(picture)
        feed.start()
        picture.open()

    # -- in marimo ---------------------------------------------------------------------------------------------

    def _show_in_marimo(self) -> None:
        import marimo  # type: ignore[import-not-found,unused-ignore]

        marimo.output.append(self._marimo_view())

    def _marimo_view(self) -> Any:
        import marimo  # type: ignore[import-not-found,unused-ignore]

        feed = self._feed()
        view_class, missing = _view_class()
        if view_class is None:
            from milepost.widgets.picture import picture

            feed.start()
            feed.wait_first(_FIRST_S)
            feed.close()
            return marimo.Html(picture(feed.parts, "marimo", message=missing))
        view = view_class(run_id=self._run.id)
        view.follow(feed)
        self._view = view
        feed.start()
        return marimo.ui.anywidget(view)

    # -- elsewhere ---------------------------------------------------------------------------------------------

    def _print(self) -> None:
        from milepost.widgets.terminal import print_summary

        print_summary(self._read_once(), self._run.get_portal_url())

    def _render(self, render_lib: Callable[[str], object]) -> None:
        from milepost.widgets.picture import picture

        render_lib(picture(self._read_once(), "rendered"))

    def _read_once(self) -> dict[str, Any]:
        from milepost.sdk.recording.recorder import translated

        self._run.get_status()
        with translated():
            return self._feed().read_once()

    def _feed(self) -> Feed:
        from milepost.widgets.feed import Feed

        return Feed(self._reading(), self._run.id)

    def _reading(self) -> Reading:
        workspace = self._run.experiment.workspace
        if workspace._recorder.server is not None:
            from milepost.widgets.remote_reading import RemoteReading

            return RemoteReading(workspace)
        from milepost.widgets.reading import EmbeddedReading

        return EmbeddedReading(workspace)


def _view_class() -> tuple[type[RunView] | None, str]:
    """The widget, or why there is none and what to do."""
    try:
        from milepost.widgets.view import RunView
    except ImportError:
        return None, _INSTALL
    except FileNotFoundError:  # a checkout that was installed without Node
        return None, "The live widget was not built. Build it with: make web"
    return RunView, ""
