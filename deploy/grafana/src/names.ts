// Made by "go generate ./telemetry" from the list of instruments: change that, and not this.

export const names = {
  "duration": [
    {
      "name": "gen_ai_client_operation_duration_seconds"
    },
    {
      "name": "gen_ai_client_inference_duration_seconds"
    }
  ],
  "firstChunk": [
    {
      "name": "gen_ai_client_operation_time_to_first_chunk_seconds"
    },
    {
      "name": "gen_ai_client_inference_time_to_first_chunk_seconds"
    }
  ],
  "openFiles": [
    {
      "name": "process_unix_file_descriptor_count"
    }
  ],
  "perChunk": [
    {
      "name": "gen_ai_client_operation_time_per_output_chunk_seconds"
    },
    {
      "name": "gen_ai_client_inference_time_per_output_chunk_seconds"
    }
  ],
  "tokensIn": [
    {
      "name": "gen_ai_client_token_usage_sum",
      "selector": "gen_ai_token_type=\"input\""
    },
    {
      "name": "gen_ai_client_inference_usage_input_tokens_total"
    }
  ],
  "tokensOut": [
    {
      "name": "gen_ai_client_token_usage_sum",
      "selector": "gen_ai_token_type=\"output\""
    },
    {
      "name": "gen_ai_client_inference_usage_output_tokens_total"
    }
  ]
};
