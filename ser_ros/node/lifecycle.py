"""What the nodes share: lifecycle states that fail with a sentence, autostart, and a clean end.

A node says what it does in four hooks (`configure`, `activate`, `deactivate`, `cleanup`); whatever
they raise becomes FAILURE, a log line and a diagnostics ERROR, never a traceback or a dead node.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import rclpy
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile
from rclpy.signals import SignalHandlerOptions

from ser_ros.errors import UserError
from ser_ros.node.diagnostics import Diagnostics
from ser_ros.node.parameters import NodeParameters, Parameters

P = TypeVar("P", bound=NodeParameters)
# A service of ROS keeps the ten newest requests: of a burst the others would never be answered.
BURST = QoSProfile(history=HistoryPolicy.KEEP_ALL)
# What to do before a node can answer, by its state.
HOW_TO_BEGIN = {
    "unconfigured": "configure and activate it first",
    "inactive": "activate it first",
    "active": "it begins to work just now, ask again",
    "finalized": "it has ended, start it again",
}
GRACE = 4.0  # seconds from the first signal to the end at any price; `ros2 launch` escalates after 5


class ManagedNode(LifecycleNode, Generic[P]):
    """A lifecycle node with typed parameters, diagnostics and autostart.

    Args:
        name: default node name.
        kind: frozen dataclass of its parameters.

    Attributes:
        parameters: `parameters.current` is the snapshot.
        diagnostics: `diagnostics.error(sentence)` reports what the node survives.
        state: "unconfigured", "inactive", "active" or "finalized".
    """

    def __init__(self, name: str, kind: type[P], **options: Any):
        try:
            super().__init__(name, **options)
        except InvalidParameterTypeException as error:  # the one that rclpy itself declares
            raise UserError("parameter use_sim_time must be true or false") from error
        self.state = "unconfigured"
        self.diagnostics = Diagnostics(self)
        self.parameters: Parameters[P] = Parameters(
            self,
            kind,
            configured=lambda: self.state != "unconfigured",
            check=self.check_parameters,
            on_change=self.parameters_changed,
        )
        self._start_timer = None
        if self.parameters.current.autostart:
            steady = Clock(clock_type=ClockType.STEADY_TIME)
            self._start_timer = self.create_timer(0.01, self._autostart, clock=steady)
        else:
            self.get_logger().info("unconfigured: waiting for lifecycle commands (autostart is false)")

    def set_parameters_atomically(self, parameter_list: list[Parameter]) -> SetParametersResult:
        """Set parameters, as the services of the node do; names the one that cannot be and what it may be.

        rclpy (9.1) refuses it as well, an unknown one with an empty list of names: its check has used up
        their generator.
        """
        for one in parameter_list:
            refusal = self.parameters.refusal(one.name, one.value)
            reason = refusal if self.has_parameter(one.name) else self.parameters.unknown(one.name)
            if reason:
                return SetParametersResult(successful=False, reason=reason)
        return super().set_parameters_atomically(parameter_list)

    def trouble(self) -> str:
        """What is wrong with simulated time or with the node's name, in words; "" where all is well."""
        clock = self.get_clock()
        if clock.ros_time_is_active:
            if clock.now().nanoseconds == 0:
                return "use_sim_time is true, but nothing publishes /clock"
            if (several := self.count_publishers("/clock")) > 1:
                return f"{several} nodes publish /clock and time jumps between them; leave one"
        namesakes = self.get_node_names_and_namespaces().count((self.get_name(), self.get_namespace()))
        if namesakes > 1:
            return (
                f"{namesakes} nodes are called {self.get_fully_qualified_name()} (one that was killed counts "
                "for 20 s): topics carry both, requests reach either; end one or rename it (-r __node:=NAME)"
            )
        return ""

    # Hooks of the nodes -------------------------------------------------------------------------

    def configure(self) -> str:
        """Take what the node needs; returns a few words for the log. May raise UserError."""
        return ""

    def activate(self) -> str:
        """Start to work; returns a few words for the log. May raise UserError."""
        return ""

    def deactivate(self) -> None:
        """Stop to work. Also called after a failed `activate`: must bear a half-done one."""

    def cleanup(self) -> None:
        """Give back what `configure` took. Also called after a failed `configure`."""

    def check_parameters(self, new: P) -> None:
        """Called before parameters change at run time. Raises UserError to refuse them."""

    def parameters_changed(self, old: P, new: P) -> None:
        """Called after parameters changed at run time."""

    # Transitions --------------------------------------------------------------------------------

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition(super().on_configure, state, "inactive", self._configure, undo=self.cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        # publishers first, so that the first image finds them enabled
        if super().on_activate(state) != TransitionCallbackReturn.SUCCESS:
            return TransitionCallbackReturn.FAILURE
        result = self._transition(None, state, "active", self.activate, undo=self.deactivate)
        if result != TransitionCallbackReturn.SUCCESS:
            super().on_deactivate(state)
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition(super().on_deactivate, state, "inactive", self.deactivate, forced=True)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition(super().on_cleanup, state, "unconfigured", self.cleanup, forced=True)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        def end() -> None:
            self.deactivate()
            self.cleanup()

        return self._transition(super().on_shutdown, state, "finalized", end, forced=True)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._transition(super().on_error, state, "unconfigured", self.cleanup, forced=True)

    def _configure(self) -> str:
        self.parameters.require()
        self.get_logger().info("configuring")
        return self.configure()

    def _transition(
        self,
        entities: Callable[[LifecycleState], TransitionCallbackReturn] | None,
        state: LifecycleState,
        goal: str,
        work: Callable[[], str | None],
        *,
        undo: Callable[[], None] | None = None,
        forced: bool = False,
    ) -> TransitionCallbackReturn:
        """Do `work` and reach `goal`; a failure stays in the old state unless the way is `forced`."""
        begin = time.monotonic()
        self.diagnostics.fault = ""
        try:
            words = work() or ""
        except Exception as error:
            reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            if not isinstance(error, UserError):
                self.get_logger().debug(traceback.format_exc())
            self.get_logger().error(f"{self.state}, not {goal}: {reason}")
            self.diagnostics.fault = reason
            if not forced:
                if undo is not None:
                    undo()
                return TransitionCallbackReturn.FAILURE
            words = ""
        self.state = goal
        detail = f" ({words}; {time.monotonic() - begin:.1f} s)" if words else ""
        self.get_logger().info(f"{goal}{detail}")
        return entities(state) if entities is not None else TransitionCallbackReturn.SUCCESS

    def _autostart(self) -> None:
        self.destroy_timer(self._start_timer)
        if self.state == "unconfigured" and self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()


def run(
    make_node: Callable[[], ManagedNode], args: Sequence[str] | None = None, *, freeze: bool = False
) -> int:
    """Run a node until SIGINT, SIGTERM or the end of its context; return the exit code.

    The executor spins in a thread of its own, so a signal is heard while a model loads. Further
    signals are ignored until the process ends (Ctrl-C under `ros2 launch` delivers two); what has not
    ended after `GRACE` seconds is left behind.

    Args:
        make_node: called after rclpy is initialised.
        args: command line without the program's name; the ROS arguments are taken out by rclpy.
        freeze: take all that is loaded once the node is active out of the passes of the garbage collector.
            For a node that must answer soon and gives nothing large back before it ends.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: Any) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        # NO: rclpy's own handlers end the context at once, before the node can say goodbye
        rclpy.init(args=None if args is None else list(args), signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:
        print(f"ser_ros: the ROS arguments are wrong: {error}", file=sys.stderr)
        return 2
    try:
        node = make_node()
    except UserError as error:
        print(f"ser_ros: {error}", file=sys.stderr)
        rclpy.shutdown()
        return 2
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinner = threading.Thread(target=_spin, args=(executor, node, stop, freeze), name="executor")
    spinner.start()
    stop.wait()
    last_resort = _end_anyway_after(GRACE)
    executor.create_task(lambda: None)  # `spin_once` returns after work; `wake` is none
    spinner.join()
    if rclpy.ok() and node.state != "finalized":
        node.trigger_shutdown()
    executor.shutdown()
    node.destroy_node()
    rclpy.try_shutdown()
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.main_thread():
            thread.join()  # a computation that outlived `deactivate`
    last_resort.cancel()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Python puts back the default of its own handlers before it ends, which with torch takes a while:
        # the second SIGINT of `ros2 launch` would turn exit code 0 into -2
        signal.signal(number, signal.SIG_IGN)
    # The node is in cycles: collected now, it says goodbye on the network. The rest has nothing to close, and
    # taking torch apart object by object is most of what Python does at its end.
    del node, executor, spinner
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    return 0


def _spin(executor: SingleThreadedExecutor, node: ManagedNode, stop: threading.Event, freeze: bool) -> None:
    while not stop.is_set() and rclpy.ok():
        if freeze and node.state == "active":
            gc.collect()
            gc.freeze()
            freeze = False
        try:
            executor.spin_once()
        except (ExternalShutdownException, ShutdownException):
            break
        except Exception as error:  # a callback failed: say it and go on
            node.get_logger().debug(traceback.format_exc())
            node.diagnostics.error(f"a callback failed: {type(error).__name__}: {error}")
    stop.set()


def _end_anyway_after(seconds: float) -> threading.Timer:
    """A model that loads or a driver that hangs cannot be interrupted: leave without it."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.write(f"ser_ros: not ended after {seconds:.0f} s, leaving\n")
        sys.stderr.flush()
        os._exit(0)  # as asked; what runs is a model, its result is not needed

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
    return timer
