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
        let onClose = state.withLock { state in
            state.isClosed = true
            return state.onClose
        }
        onClose?()
        context.fireChannelInactive()
    }
}
