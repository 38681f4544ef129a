mod fakes;
mod http;
mod submitting;
