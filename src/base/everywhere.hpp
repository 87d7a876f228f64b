// One object of a kind on each shard, and a way to tell something to all of them.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <vector>

namespace base {

/// Filled before start, then read by any thread. What is told reaches each object on its own thread, in the
/// order in which one thread told it.
template <class T>
class Everywhere {
 public:
  void add(boost::asio::any_io_executor executor, T& object) {
    places_.push_back({std::move(executor), &object});
  }

  /// what(T&) is copied for each shard and must not refer to anything of the caller.
  template <class F>
  void tell(const F& what) const {
    for (const Place& place : places_) {
      boost::asio::post(place.executor, [object = place.object, what] { what(*object); });
    }
  }

 private:
  struct Place {
    boost::asio::any_io_executor executor;
    T* object;
  };
  std::vector<Place> places_;
};

}  // namespace base
