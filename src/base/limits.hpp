// Every limit of the program in one place. Nothing outside may grow memory without meeting one of them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace base::limits {

using namespace std::chrono_literals;

// HTTP server
inline constexpr std::size_t kBodyBytesDefault = 1 << 20;
inline constexpr std::size_t kBodyBytesMax = 25 << 20;  ///< the most that the setting may ask for
inline constexpr std::size_t kHeaderBytesMax = 32 << 10;
inline constexpr std::size_t kTargetBytesMax = 8 << 10;
inline constexpr std::size_t kHeaderCountMax = 100;
inline constexpr auto kHeaderDeadline = 10s;  ///< from the first byte of a request to the end of its header
inline constexpr auto kBodyDeadline = 30s;    ///< from the end of the header to the end of the body
inline constexpr auto kIdleDeadline = 75s;    ///< between requests on a kept connection
inline constexpr auto kWriteDeadline = 30s;
inline constexpr auto kHandlerDeadline = 60s;
inline constexpr auto kDrainDeadline = 30s;
inline constexpr std::size_t kConnectionsPerShard = 8192;
inline constexpr std::size_t kConnectionsInReserve =
    32;  ///< beside them on each shard, for watching and administering
inline constexpr std::size_t kBodiesUnderWayBytes = 128 << 20;  ///< of requests, over all shards
inline constexpr std::size_t kAnswersUnderWayBytes = 64
                                                     << 20;    ///< that peers have not taken, over all shards
inline constexpr std::size_t kSkippedBodyBytesMax = 64 << 10;  ///< of a refused request on a kept connection

// HTTP client
inline constexpr std::size_t kConnectionsOutPerShard = 1024;
inline constexpr std::size_t kResponseBodyBytesMax = 64 << 10;
inline constexpr std::size_t kResponseHeaderBytesMax = 32 << 10;
inline constexpr auto kConnectTimeout = 5s;
inline constexpr auto kRequestTimeoutDefault = 30s;
inline constexpr auto kRequestTimeoutMax = 120s;
inline constexpr std::size_t kUrlBytesMax = 2000;

// JSON
inline constexpr std::size_t kJsonDepthMax = 64;
inline constexpr std::size_t kJsonMembersMax = 100'000;  ///< members and elements of one document

// API
inline constexpr std::size_t kBatchEventsMax = 1000;
inline constexpr std::size_t kPageDefault = 50;
inline constexpr std::size_t kPageMax = 250;
inline constexpr std::size_t kPageBytesMax =
    2 << 20;  ///< a page ends with the row that reaches beyond; one row is always in it
inline constexpr std::size_t kPageRowsPerRead = 8;  ///< of rows that may be as large as a body
inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;
inline constexpr std::size_t kEventTypeBytesMax = 100;
inline constexpr std::size_t kSubscriptionsPerTenantMax = 20'000;
inline constexpr std::size_t kEndpointsPerTenantMax = 10'000;
inline constexpr std::size_t kCustomHeadersMax = 30;
inline constexpr std::size_t kCustomHeaderBytesMax = 4 << 10;
inline constexpr std::size_t kEventPatternsMax = 200;
inline constexpr std::size_t kActiveSecretsMax = 4;
inline constexpr std::size_t kOperationsPerTenantMax = 20;  ///< under way at once

// Receiving
inline constexpr auto kArrivalAgeMax = 1s;  ///< of the oldest that waits for the store; then new ones get 503
inline constexpr std::size_t kArrivalBytesMax = 64 << 20;  ///< that wait, on each shard

// Filters of subscriptions
inline constexpr std::size_t kFilterBytesMax = 16 << 10;
inline constexpr std::size_t kFilterDepthMax = 16;    ///< and, or, not and the condition within one another
inline constexpr std::size_t kFilterListMax = 100;    ///< members of one and, or
inline constexpr std::size_t kFilterValuesMax = 500;  ///< of one in
inline constexpr std::size_t kFilterPathBytesMax = 500;
inline constexpr std::size_t kFilterPathStepsMax = 32;
inline constexpr std::size_t kFilterNumberExponentMax = 9999;
/// Steps are members, elements and bytes/16 looked at: of one filter, for one event.
inline constexpr std::size_t kFilterStepsMax = 100'000;
/// Of all filters together, for one event, before it is published; a fan-out goes on from there.
inline constexpr std::size_t kFilterStepsOfEvent = 20'000;
inline constexpr std::size_t kFilterStepsOfBatch = 400'000;  ///< of all events of a batch
inline constexpr std::size_t kFilterStepsOfMatch = 2;  ///< a subscription that is asked, whatever it has

// Deliveries
inline constexpr std::size_t kFormBodyBytesMax = 4 << 20;  ///< names repeat in a form, so data may swell

// Streams
inline constexpr std::size_t kStreamsPerShard = 500;
inline constexpr std::size_t kStreamsPerTenant = 50;             ///< on one shard
inline constexpr std::size_t kStreamMessageBytesMax = 64 << 10;  ///< a larger one tells only what it is about
inline constexpr std::size_t kStreamBytesPerRead = 256 << 10;    ///< made at once for one connection
inline constexpr std::size_t kStreamPatternsMax = 50;
inline constexpr auto kStreamHeartbeat = 15s;
inline constexpr std::size_t kListenersPerTenantMax = 100;
inline constexpr std::size_t kFeedEntriesPerRead = 200;
inline constexpr std::size_t kFeedRowsPerRead = 256;

// Queue
inline constexpr std::size_t kLaneTasksInMemoryMax = 512;
inline constexpr std::size_t kLaneWindowMax = 64;
inline constexpr std::size_t kLaneWindowStart = 2;
inline constexpr std::size_t kQueueBytesInMemory = 48 << 20;  ///< payloads held for the wire, over all shards
/// A larger event is not held by the fan-out that waits: it is read when its turn comes.
inline constexpr std::size_t kFanoutHeldBytes = 4 << 10;
inline constexpr std::size_t kInFlightPerShard = 512;
inline constexpr std::size_t kFanoutInline = 64;  ///< more matches than this go through a fan-out task
inline constexpr std::size_t kUnknownAttemptsMax = 20;

// Store
inline constexpr std::size_t kBatchItemsMax = 512;  ///< items of one flush
inline constexpr std::size_t kLingerItems = 128;    ///< a flush with so many waits for no more
inline constexpr std::size_t kWritesPendingMax =
    20'000;  ///< items waiting for a flush; more are refused with 503
inline constexpr std::size_t kReserveFileBytes = 16 << 20;

}  // namespace base::limits
