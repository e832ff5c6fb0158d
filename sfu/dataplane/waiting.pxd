# A thread without Python, and what it waits with: epoll, eventfd, poll.

cdef extern from * nogil:
    """
    #include <poll.h>
    #include <pthread.h>
    #include <signal.h>
    #include <sys/epoll.h>
    #include <sys/eventfd.h>
    static int ciranda_thread(unsigned long *thread, void *(*body)(void *), void *argument) {
        /* Signals are Python's business, on its main thread. */
        sigset_t all, before;
        pthread_t made;
        int failed;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(&made, NULL, body, argument);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        *thread = (unsigned long)made;
        return failed;
    }
    static void ciranda_join(unsigned long thread) { pthread_join((pthread_t)thread, NULL); }
    static int ciranda_watch(int epoll, int fd, unsigned int flag) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = flag};
        return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    static unsigned int ciranda_wait(int epoll, int timeout_ms) {
        struct epoll_event events[4];
        unsigned int ready = 0;
        int count = epoll_wait(epoll, events, 4, timeout_ms);
        while (count > 0) ready |= events[--count].data.u32;
        return ready;
    }
    static void ciranda_nap(int wake_fd, int timeout_ms) {
        struct pollfd waker = {.fd = wake_fd, .events = POLLIN};
        poll(&waker, 1, timeout_ms);
    }
    """
    ctypedef void *(*Body)(void *) noexcept nogil
    int start_thread "ciranda_thread"(unsigned long *thread, Body body, void *argument)
    void join_thread "ciranda_join"(unsigned long thread)
    int watch "ciranda_watch"(int epoll, int fd, unsigned int flag)
    unsigned int wait_for "ciranda_wait"(int epoll, int timeout_ms)
    void nap "ciranda_nap"(int wake_fd, int timeout_ms)
    int epoll_create1(int flags)
    int eventfd(unsigned int initial, int flags)
    int EPOLL_CLOEXEC, EFD_CLOEXEC, EFD_NONBLOCK
