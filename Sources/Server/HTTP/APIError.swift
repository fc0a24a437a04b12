import ChatTemplates
import Inference
import Models
import StrictJSON
import Tokenizers

/// An error of a request, as OpenAI's API describes it.
///
/// Source: OpenAI's API reference, "Error codes", and the classes of the Python package `openai`, which choose the exception by
/// the status and show `message`.
struct APIError: Error, Equatable {
    /// The HTTP status.
    var status: Int
    /// What is wrong, and what to do.
    var message: String
    /// The field of the request that is wrong.
    var parameter: String?
    /// A name of the error, for programs.
    var code: String?
    /// The method that a path is for, where it is another.
    var allowedMethod: String?

    init(_ status: Int, _ message: String, parameter: String? = nil, code: String? = nil) {
        self.status = status
        self.message = message
        self.parameter = parameter
        self.code = code
    }

    private var type: String {
        switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: "not_found_error"
        case 429: "rate_limit_error"
        case 503: "unavailable_error"
        case 500...: "server_error"
        default: "invalid_request_error"
        }
    }

    var json: JSON {
        [
            "error": [
                "message": .string(message), "type": .string(type), "param": parameter.map(JSON.string) ?? .null,
                "code": code.map(JSON.string) ?? .null,
            ]
        ]
    }

    /// The error of a request that the model or its tokenizer refuses.
    init(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case InferenceError.busy: self.init(429, "\(InferenceError.busy)", code: "too_many_requests")
        case let error as GenerationError: self.init(400, "\(error)", parameter: error.parameter)
        case let error as TokenizerError: self.init(400, "\(error)", parameter: "prompt")
        case let error as ChatTemplateError:
            self.init(422, "the chat template of the model refuses the messages: \(error)", parameter: "messages")
        case let error as ExplanationError: self.init(400, "\(error)", parameter: error.parameter)
        case let error as ScoringError: self.init(400, "\(error)", parameter: "prompt")
        case let error as EmbeddingError: self.init(400, "\(error)", parameter: "input")
        case let error as TranslationError: self.init(400, "\(error)", parameter: "text")
        case let error as SequenceError: self.init(400, "\(error)", parameter: "text")
        default: self.init(500, "\(error)")
        }
    }
}

extension ExplanationError {
    /// The field of a request that is wrong.
    fileprivate var parameter: String? {
        switch self {
        case .noWeights, .noTokenizer: "model"
        case .empty, .unknownToken, .tooLong, .tooLarge: "ids"
        case .noLayer: "layer"
        case .noHead: "head"
        case .notFinite: nil
        }
    }
}

extension GenerationError {
    /// The field of a request that is wrong.
    fileprivate var parameter: String? {
        switch self {
        case .outOfRange(let name, _, _): name.replacing(" ", with: "_").replacing("-", with: "_")
        case .emptyPrompt, .unknownToken: "prompt"
        case .emptyStopString: "stop"
        case .noTokenPossible: nil
        }
    }
}
