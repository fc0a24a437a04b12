// GPTKit
