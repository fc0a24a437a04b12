import Platform

/// Runs the jobs of an actor one after another, in the order in which they arrive, on a thread of its own.
///
/// The thread ends when the executor is released and its jobs are done.
final class ThreadExecutor: SerialExecutor {
    private let queue: JobQueue

    /// Starts the thread.
    /// - Throws: `InferenceError.noThread` where the system refuses to start one.
    init() throws(InferenceError) {
        queue = JobQueue()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        // Not all systems give a thread that is not the first enough stack for nested closures and large frames.
        pthread_attr_setstacksize(&attributes, 1 << 21)
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let argument = Unmanaged.passRetained(queue)
        guard pthread_create(&thread, &attributes, runQueue, argument.toOpaque()) == 0 else {
            argument.release()
            throw .noThread
        }
    }

    deinit { queue.close() }

    func enqueue(_ job: consuming ExecutorJob) { queue.append(UnownedJob(job), for: self) }
}

#if canImport(Darwin)
    private func runQueue(_ queue: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<JobQueue>.fromOpaque(queue).takeRetainedValue().run()
        return nil
    }
#else
    private func runQueue(_ queue: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let queue else { return nil }
        Unmanaged<JobQueue>.fromOpaque(queue).takeRetainedValue().run()
        return nil
    }
#endif

/// The jobs that wait for the thread. `Synchronization.Mutex` has no condition to wait for, so the mutex is the system's.
private final class JobQueue: Sendable {
    // The system's functions may be called with these from any thread; `jobs` and `isClosed` are accessed under the mutex only.
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private nonisolated(unsafe) let hasChanged = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Each with its executor, which must exist for as long as the job runs.
    private nonisolated(unsafe) var jobs: [(job: UnownedJob, executor: ThreadExecutor)] = []
    private nonisolated(unsafe) var isClosed = false

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(hasChanged, nil)
    }

    deinit {
        pthread_cond_destroy(hasChanged)
        pthread_mutex_destroy(mutex)
        hasChanged.deallocate()
        mutex.deallocate()
    }

    func append(_ job: UnownedJob, for executor: ThreadExecutor) {
        pthread_mutex_lock(mutex)
        jobs.append((job, executor))
        pthread_cond_signal(hasChanged)
        pthread_mutex_unlock(mutex)
    }

    /// Ends `run` once there are no more jobs.
    func close() {
        pthread_mutex_lock(mutex)
        isClosed = true
        pthread_cond_signal(hasChanged)
        pthread_mutex_unlock(mutex)
    }

    /// Runs jobs until the queue is closed.
    func run() {
        while let (job, executor) = next() {
            job.runSynchronously(on: executor.asUnownedSerialExecutor())
        }
    }

    private func next() -> (job: UnownedJob, executor: ThreadExecutor)? {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while jobs.isEmpty, !isClosed { pthread_cond_wait(hasChanged, mutex) }
        return jobs.isEmpty ? nil : jobs.removeFirst()
    }
}
