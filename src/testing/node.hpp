// One node of the queue: shards on threads of their own over one store.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "queue/queue.hpp"

namespace testing {

/// Handlers are added before start(), and outlive the node. The store and the clock outlive it too.
class Node {
 public:
  struct Options {
    std::size_t shards = 1;
    queue::Shard::Options shard{};
  };

  Node(db::Db& store, const base::Clock& clock) : Node(store, clock, Options{}) {}
  Node(db::Db& store, const base::Clock& clock, Options options) : store_(store), queue_(store) {
    for (std::size_t i = 0; i < options.shards; ++i) {
      threads_.push_back(std::make_unique<Thread>(store, clock, options.shard));
      queue_.attach(executor(i), threads_.back()->shard);
    }
  }
  ~Node() { stop(); }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  queue::Queue& queue() { return queue_; }
  asio::any_io_executor executor(std::size_t shard = 0) { return threads_[shard]->context.get_executor(); }
  std::size_t shards() const { return threads_.size(); }

  void add_handler(const std::string& kind, queue::Handler& handler, std::size_t shard = 0) {
    threads_[shard]->shard.add_handler(kind, handler);
  }
  void add_handler_everywhere(const std::string& kind, queue::Handler& handler) {
    for (std::size_t i = 0; i < shards(); ++i) add_handler(kind, handler, i);
  }
  void start() {
    for (const auto& thread : threads_) {
      thread->runner = std::thread([context = &thread->context] { context->run(); });
    }
  }

  /// Runs f(queue::Shard&) on the shard's thread and gives back what it returns.
  template <class F>
  auto on_shard(F f, std::size_t shard = 0) {
    std::packaged_task<std::invoke_result_t<F&, queue::Shard&>()> task(
        [&] { return f(threads_[shard]->shard); });
    asio::post(executor(shard), [&] { task(); });
    return task.get_future().get();
  }
  /// Runs a coroutine on the shard's thread and gives back what it returns.
  template <class T>
  T await(asio::awaitable<T> work, std::size_t shard = 0) {
    return asio::co_spawn(executor(shard), std::move(work), asio::use_future).get();
  }

  base::Result<void> enqueue(std::vector<queue::Task> tasks) {
    return store_.write_now([&](db::Tx& tx) { return queue_.enqueue(tx, std::move(tasks)); });
  }
  base::Result<void> set_state(queue::LaneId lane, queue::LaneState state) {
    return store_.write_now([&](db::Tx& tx) { return queue_.set_state(tx, lane, state); });
  }
  base::Result<void> recover() { return await(queue_.recover()); }
  /// After this, what was told to the shards before has reached them.
  void settle() {
    for (std::size_t i = 0; i < shards(); ++i) on_shard([](queue::Shard&) {}, i);
  }

  /// Stops the shards and waits for what runs on them.
  void drain() {
    for (std::size_t i = 0; i < shards(); ++i) {
      if (threads_[i]->runner.joinable()) await(threads_[i]->shard.stop(), i);
    }
  }
  /// The same, then ends the threads. May be repeated.
  void stop() {
    drain();
    for (const auto& thread : threads_) {
      thread->work.reset();
      if (thread->runner.joinable()) thread->runner.join();
    }
  }

 private:
  struct Thread {
    Thread(db::Db& store, const base::Clock& clock, queue::Shard::Options options)
        : shard(context.get_executor(), store, clock, options) {}

    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    queue::Shard shard;
    std::thread runner;
  };

  db::Db& store_;
  queue::Queue queue_;
  std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace testing
