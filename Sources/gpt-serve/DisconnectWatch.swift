import NIOCore
import Synchronization

/// Notices when a client closes its connection, while a response is computed.
///
/// Requests on a connection are answered one after another, so there is at most one to cancel.
final class DisconnectWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    private struct State {
        var isClosed = false
        var onClose: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    /// Calls a closure when the connection is closed, at once if it is closed already; nil ends the watch.
    func watch(_ onClose: (@Sendable () -> Void)?) {
        let isClosed = state.withLock { state in
            state.onClose = onClose
            return state.isClosed
        }
        if isClosed { onClose?() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        close()
        context.fireChannelInactive()
    }

    /// A client that sends no more has left, unless it waits for the response with half of the connection closed, which clients
    /// of an API do not.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent { close() }
        context.fireUserInboundEventTriggered(event)
    }

    private func close() {
        let onClose = state.withLock { state in
            state.isClosed = true
            return state.onClose
        }
        onClose?()
    }
}
