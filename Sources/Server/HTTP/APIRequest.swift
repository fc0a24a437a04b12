import StrictJSON

/// A request to the API, without the transport: what a handler needs of an HTTP request.
public struct APIRequest: Sendable {
    /// The method, in capital letters.
    public var method: String
    /// The path, without the query.
    public var path: String
    /// The parameters of the query.
    public var query: [String: String]
    /// The headers, by their names in small letters.
    public var headers: [String: String]
    public var body: [UInt8]

    public init(
        method: String, path: String, query: [String: String] = [:], headers: [String: String] = [:], body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// A response of the API.
public struct APIResponse: Sendable {
    /// Writes a part of a body that is streamed.
    public typealias Writer = ([UInt8]) async throws -> Void

    /// The body.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Written part by part. The task is cancelled when the client leaves. An error ends the connection.
        case stream(@Sendable (Writer) async throws -> Void)
    }

    public var status: Int
    public var headers: [(name: String, value: String)]
    public var body: Body

    init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// A body of JSON.
    init(status: Int = 200, _ json: JSON) {
        self.init(
            status: status, headers: [("Content-Type", "application/json; charset=utf-8")],
            body: .bytes(Array(json.serialized().utf8)))
    }

    /// A body of text.
    init(text: String, type: String) {
        self.init(headers: [("Content-Type", type)], body: .bytes(Array(text.utf8)))
    }

    /// The response to a request that failed.
    init(_ error: APIError) {
        self.init(status: error.status, error.json)
        switch error.status {
        case 401: headers.append(("WWW-Authenticate", "Bearer"))
        case 405: headers.append(("Allow", error.allowedMethod ?? "GET, POST"))
        case 429, 503: headers.append(("Retry-After", "1"))
        default: break
        }
    }
}
